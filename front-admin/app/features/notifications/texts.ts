import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Send a notification",
    lead: (email: string) => `To ${email}. It appears at once where the user is logged in.`,
    subject: "Title",
    body: "Text",
    send: "Send",
    sent: "The notification is on its way.",
    back: "Back to the user",
  },
  es: {
    title: "Enviar una notificación",
    lead: (email) => `Para ${email}. Aparece en el acto donde tenga la sesión abierta.`,
    subject: "Título",
    body: "Texto",
    send: "Enviar",
    sent: "La notificación está en camino.",
    back: "Volver al usuario",
  },
});
