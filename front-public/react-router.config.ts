import type { Config } from "@react-router/dev/config";

// The development server wants the base of Vite, which ends in a slash.
const hotReload = process.env["NODE_ENV"] === "development";

export default {
  basename: hotReload ? "/app/" : "/app",
  ssr: true,
  // The kit checks where a form comes from (server/origin.ts). React Router would compare with the
  // host of the request, which the development server behind the gateway does not know.
  allowedActionOrigins: ["**"],
} satisfies Config;
