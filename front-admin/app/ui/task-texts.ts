import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

/** Statuses, kinds and errors of background tasks. */
export const taskTexts = defineTexts({
  en: {
    statuses: {
      queued: "Queued",
      running: "Running",
      succeeded: "Finished",
      failed: "Failed",
      cancelled: "Cancelled",
    },
    kinds: {
      send_digests: "Send daily digests",
      sweep_credentials: "Remove old credentials",
      sweep_outbox: "Remove old events",
      sweep_registrations: "Remove old registrations",
      sweep_tasks: "Remove old tasks",
      user_export: "Export of the users",
    },
    errors: {
      timed_out: "It took longer than it may.",
      worker_lost: "The worker was lost while it ran.",
    },
    otherError: "It failed, after it was tried again.",
  },
  es: {
    statuses: {
      queued: "En cola",
      running: "En marcha",
      succeeded: "Terminada",
      failed: "Fallida",
      cancelled: "Cancelada",
    },
    kinds: {
      send_digests: "Enviar los resúmenes diarios",
      sweep_credentials: "Eliminar credenciales antiguas",
      sweep_outbox: "Eliminar eventos antiguos",
      sweep_registrations: "Eliminar registros antiguos",
      sweep_tasks: "Eliminar tareas antiguas",
      user_export: "Exportación de los usuarios",
    },
    errors: {
      timed_out: "Tardó más de lo permitido.",
      worker_lost: "El proceso que la ejecutaba se perdió.",
    },
    otherError: "Falló, también al repetirla.",
  },
});
