import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    mainNavigation: "Main",
    tools: "Tools",
    account: "Account",
    logIn: "Log in",
    logOut: "Log out",
    profile: "Profile",
    password: "Password",
    sessions: "Sessions",
    preferences: "Notifications",
    data: "Your data",
    deleteAccount: "Delete the account",
  },
  es: {
    mainNavigation: "Principal",
    tools: "Herramientas",
    account: "Cuenta",
    logIn: "Entrar",
    logOut: "Salir",
    profile: "Perfil",
    password: "Contraseña",
    sessions: "Sesiones",
    preferences: "Notificaciones",
    data: "Tus datos",
    deleteAccount: "Eliminar la cuenta",
  },
});
