import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Administration",
    lead: "For admins only.",
    email: "Mail address",
    password: "Password",
    submit: "Log in",
    loggedOut: "You are logged out.",
    refused: "This account is not an admin's, so it was logged out here. An admin can change that.",
  },
  es: {
    title: "Administración",
    lead: "Solo para administradores.",
    email: "Dirección de correo",
    password: "Contraseña",
    submit: "Entrar",
    loggedOut: "Has salido.",
    refused:
      "Esta cuenta no es de administrador, así que aquí se ha cerrado la sesión. Un administrador puede cambiarlo.",
  },
});
