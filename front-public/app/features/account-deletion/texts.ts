import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Delete the account",
    lead: "Your profile, notifications, favourites and sessions are removed within a minute. This can't be undone.",
    password: "Your password",
    sure: "I want my account to be deleted for good.",
    submit: "Delete the account",
    goneTitle: "Your account is deleted",
    gone: "Everything about you is being removed. You are welcome back at any time.",
  },
  es: {
    title: "Eliminar la cuenta",
    lead: "Tu perfil, tus notificaciones, favoritas y sesiones se eliminan en un minuto. No se puede deshacer.",
    password: "Tu contraseña",
    sure: "Quiero que mi cuenta se elimine para siempre.",
    submit: "Eliminar la cuenta",
    goneTitle: "Tu cuenta está eliminada",
    gone: "Se está borrando todo lo tuyo. Puedes volver cuando quieras.",
  },
});
