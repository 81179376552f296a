import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Log in",
    email: "Mail address",
    password: "Password",
    submit: "Log in",
    noAccount: "No account yet?",
    register: "Sign up",
    forgotten: "Forgot the password?",
    out: "You are logged out.",
    confirmed: "Your address is confirmed. You can log in now.",
    reset: "Your password is set. Log in with it.",
  },
  es: {
    title: "Entrar",
    email: "Dirección de correo",
    password: "Contraseña",
    submit: "Entrar",
    noAccount: "¿Aún no tienes cuenta?",
    register: "Regístrate",
    forgotten: "¿Has olvidado la contraseña?",
    out: "Has salido.",
    confirmed: "Tu dirección está confirmada. Ya puedes entrar.",
    reset: "Tu contraseña está guardada. Entra con ella.",
  },
});
