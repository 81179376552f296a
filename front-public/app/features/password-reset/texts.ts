import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Forgot the password?",
    lead: "We send you a link to set another one.",
    email: "Mail address",
    send: "Send the link",
    sentTitle: "Check your mail",
    sent: "If an account has this address, a mail with a link is on its way to it.",
    newTitle: "Set a new password",
    newLead: "All sessions end; log in with the new password then.",
    password: "New password",
    save: "Set the password",
    dead: "This link is not valid any more.",
    again: "Ask for another one",
    back: "Back to the log-in",
  },
  es: {
    title: "¿Has olvidado la contraseña?",
    lead: "Te enviamos un enlace para poner otra.",
    email: "Dirección de correo",
    send: "Enviar el enlace",
    sentTitle: "Mira tu correo",
    sent: "Si hay una cuenta con esta dirección, un correo con un enlace va de camino.",
    newTitle: "Pon una contraseña nueva",
    newLead: "Todas las sesiones se cierran; entra después con la contraseña nueva.",
    password: "Contraseña nueva",
    save: "Guardar la contraseña",
    dead: "Este enlace ya no es válido.",
    again: "Pide otro",
    back: "Volver a la entrada",
  },
});
