import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Confirm your address",
    lead: "Type the password that you signed up with. That shows that it was you.",
    password: "Password",
    submit: "Confirm",
    noToken: "This link is not complete. Copy it from the mail as a whole.",
    dead: "Links are valid for two days and can be used once.",
    again: "Sign up again",
    logIn: "Log in",
  },
  es: {
    title: "Confirma tu dirección",
    lead: "Escribe la contraseña con la que te registraste. Así se ve que fuiste tú.",
    password: "Contraseña",
    submit: "Confirmar",
    noToken: "El enlace no está completo. Cópialo entero del correo.",
    dead: "Los enlaces valen dos días y se usan una vez.",
    again: "Regístrate otra vez",
    logIn: "Entra",
  },
});
