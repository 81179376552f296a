import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    mainNavigation: "Main",
    health: "Health",
    users: "Users",
    tools: "Tools",
    tasks: "Tasks",
    exports: "Exports",
    events: "Events",
    audit: "Audit",
    account: "Account",
    logOut: "Log out",
  },
  es: {
    mainNavigation: "Principal",
    health: "Estado",
    users: "Usuarios",
    tools: "Herramientas",
    tasks: "Tareas",
    exports: "Exportaciones",
    events: "Eventos",
    audit: "Auditoría",
    account: "Cuenta",
    logOut: "Salir",
  },
});
