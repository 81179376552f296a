import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Change the password",
    lead: "All other sessions end; this one stays.",
    current: "Current password",
    new: "New password",
    submit: "Change the password",
    saved: "Your password is changed. All other sessions have ended.",
  },
  es: {
    title: "Cambiar la contraseña",
    lead: "Las demás sesiones se cierran; esta sigue.",
    current: "Contraseña actual",
    new: "Contraseña nueva",
    submit: "Cambiar la contraseña",
    saved: "Tu contraseña ha cambiado. Las demás sesiones se han cerrado.",
  },
});
