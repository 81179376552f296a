import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Your data",
    lead: "A file with all that is kept about you, as JSON.",
    download: "Download my data",
  },
  es: {
    title: "Tus datos",
    lead: "Un fichero con todo lo que guardamos sobre ti, en JSON.",
    download: "Descargar mis datos",
  },
});
