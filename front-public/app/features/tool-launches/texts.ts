import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    open: "Open",
    openTool: (name: string) => `Open ${name} in a new tab`,
    recent: "Used last",
    opening: "Opening the tool",
    openingLead: "You are taken there in a moment. If nothing happens, follow the link.",
    back: "To the tools",
  },
  es: {
    open: "Abrir",
    openTool: (name) => `Abrir ${name} en otra pestaña`,
    recent: "Usadas hace poco",
    opening: "Abriendo la herramienta",
    openingLead: "Ahora mismo vas hacia allí. Si no pasa nada, sigue el enlace.",
    back: "A las herramientas",
  },
});
