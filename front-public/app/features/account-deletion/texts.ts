import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Delete the account",
    lead: "Your profile, notifications, favourites and sessions are removed within a minute. This can't be undone.",
    password: "Your password",
    sure: "I want my account to be deleted for good.",
    submit: "Delete the account",
    goneTitle: "Your account is deleted",
    gone: "You are logged out everywhere, and what we keep about you is removed within a minute. You are welcome back at any time.",
    keptTitle: "What is kept",
    kept: [
      "Entries of the audit log that say what was done and when. They name an id that nobody else gets, and neither address, name, network nor device.",
      "Among operational data this id, for 90 days at most. What was still under way at the time of the deletion is gone after 7 days.",
      "Mails that were sent to you, in your mailbox.",
    ],
  },
  es: {
    title: "Eliminar la cuenta",
    lead: "Tu perfil, tus notificaciones, favoritas y sesiones se eliminan en un minuto. No se puede deshacer.",
    password: "Tu contraseña",
    sure: "Quiero que mi cuenta se elimine para siempre.",
    submit: "Eliminar la cuenta",
    goneTitle: "Tu cuenta está eliminada",
    gone: "Se han cerrado todas tus sesiones, y lo que guardamos sobre ti se elimina en un minuto. Puedes volver cuando quieras.",
    keptTitle: "Qué se conserva",
    kept: [
      "Entradas del registro de auditoría que dicen qué se hizo y cuándo. Nombran un identificador que nadie más recibe, y no la dirección, el nombre, la red ni el dispositivo.",
      "Ese identificador entre los datos de funcionamiento, 90 días como máximo. Lo que aún estaba en curso al eliminar la cuenta desaparece a los 7 días.",
      "Los correos que se te enviaron, en tu buzón.",
    ],
  },
});
