import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Sign up",
    lead: "One account for all your tools.",
    email: "Mail address",
    emailHint: "We send a link there to confirm that it is yours.",
    password: "Password",
    terms: "I accept the terms of use.",
    submit: "Create the account",
    haveAccount: "Already have an account?",
    logIn: "Log in",
    sentTitle: "Check your mail",
    sentTo: (email: string) => `We have sent a mail to ${email}.`,
    sent: "We have sent you a mail.",
    sentNext:
      "Open the link in it and type your password again. The link is valid for two days. If you have an account already, the mail says so.",
    nothing: "No mail? Look into the spam folder, or",
    again: "sign up once more",
  },
  es: {
    title: "Regístrate",
    lead: "Una cuenta para todas tus herramientas.",
    email: "Dirección de correo",
    emailHint: "Te enviamos un enlace para confirmar que es tuya.",
    password: "Contraseña",
    terms: "Acepto las condiciones de uso.",
    submit: "Crear la cuenta",
    haveAccount: "¿Ya tienes cuenta?",
    logIn: "Entra",
    sentTitle: "Mira tu correo",
    sentTo: (email) => `Hemos enviado un correo a ${email}.`,
    sent: "Te hemos enviado un correo.",
    sentNext:
      "Abre el enlace y escribe otra vez tu contraseña. El enlace vale dos días. Si ya tienes una cuenta, el correo lo dice.",
    nothing: "¿No llega? Mira en la carpeta de spam, o",
    again: "regístrate otra vez",
  },
});
