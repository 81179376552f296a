import { defineTexts } from "@tools-dashboard/front-kit/i18n/index.ts";

export const texts = defineTexts({
  en: {
    title: "Sessions",
    lead: "Where your account is open. End what you don't know, and change the password then.",
    thisOne: "this device",
    lastUsed: "Last used",
    opened: "Opened",
    network: "Network",
    end: "End",
    endOne: (device: string) => `End the session of ${device}`,
    endOthers: "End all others",
    ended: "It has ended.",
    unknownDevice: "Unknown device",
    on: (browser: string, system: string) => `${browser} on ${system}`,
  },
  es: {
    title: "Sesiones",
    lead: "Dónde está abierta tu cuenta. Cierra lo que no conozcas y cambia la contraseña.",
    thisOne: "este dispositivo",
    lastUsed: "Último uso",
    opened: "Abierta",
    network: "Red",
    end: "Cerrar",
    endOne: (device) => `Cerrar la sesión de ${device}`,
    endOthers: "Cerrar todas las demás",
    ended: "Se ha cerrado.",
    unknownDevice: "Dispositivo desconocido",
    on: (browser, system) => `${browser} en ${system}`,
  },
});
