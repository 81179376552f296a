import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "A copy of your data",
    lead: "A file with all that is kept about you, as JSON.",
    download: "Download my data",
    often: "The file was asked for too often. Try again later.",
    out: "The file can't be made at the moment. Try again shortly.",
  },
  es: {
    title: "Una copia de tus datos",
    lead: "Un fichero con todo lo que guardamos sobre ti, en JSON.",
    download: "Descargar mis datos",
    often: "El fichero se ha pedido demasiadas veces. Inténtalo más tarde.",
    out: "El fichero no se puede preparar ahora. Inténtalo de nuevo en un momento.",
  },
});
