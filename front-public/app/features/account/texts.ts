import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Your account",
    email: "Mail address",
    since: "Since",
    role: "Role",
    roles: { user: "User", admin: "Administrator" },
  },
  es: {
    title: "Tu cuenta",
    email: "Dirección de correo",
    since: "Desde",
    role: "Papel",
    roles: { user: "Usuario", admin: "Administración" },
  },
});
