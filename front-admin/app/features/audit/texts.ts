import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    audit: "Audit",
    lead: "Who did what, newest first. Looking here is noted too.",
    filter: "Filter the audit log",
    user: "Identifier of the user that it is about",
    apply: "Apply",
    time: "Time",
    what: "What",
    who: "User",
    details: "Details",
    payload: "Payload",
    none: "Nothing yet",
    noneText: "Nothing is noted for this choice.",
    pages: "Pages of the audit log",
  },
  es: {
    audit: "Auditoría",
    lead: "Quién hizo qué, lo más nuevo primero. Mirar aquí también queda anotado.",
    filter: "Filtrar la auditoría",
    user: "Identificador del usuario",
    apply: "Aplicar",
    time: "Momento",
    what: "Qué",
    who: "Usuario",
    details: "Detalles",
    payload: "Contenido",
    none: "Aún no hay nada",
    noneText: "No hay nada anotado para esta elección.",
    pages: "Páginas de la auditoría",
  },
});
