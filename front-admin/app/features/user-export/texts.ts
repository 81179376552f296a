import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    exports: "Exports",
    lead: "All users as a CSV file. A file can be downloaded once for each click, while it is kept.",
    start: "Export the users",
    started: "Started",
    status: "Status",
    progress: "Progress",
    progressOf: "Progress of the export",
    rows: "Rows",
    file: "File",
    download: "Download",
    none: "No exports yet",
    noneText: "Start one above. It runs in the background.",
    pages: "Pages of exports",
    refused: {
      link: "This link was used already, or is too old: each one works once. Click “Download” for another.",
      out: "The file can't be read at the moment. Try again shortly.",
    },
  },
  es: {
    exports: "Exportaciones",
    lead: "Todos los usuarios en un fichero CSV. Cada clic lo descarga una vez, mientras se guarda.",
    start: "Exportar los usuarios",
    started: "Empezó",
    status: "Estado",
    progress: "Progreso",
    progressOf: "Progreso de la exportación",
    rows: "Filas",
    file: "Fichero",
    download: "Descargar",
    none: "Aún no hay exportaciones",
    noneText: "Empieza una arriba. Se hace en segundo plano.",
    pages: "Páginas de exportaciones",
    refused: {
      link: "Este enlace ya se usó o es demasiado antiguo: cada uno sirve una vez. Pulsa «Descargar» para obtener otro.",
      out: "El fichero no se puede leer ahora. Inténtalo de nuevo en un momento.",
    },
  },
});
