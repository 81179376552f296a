import type { Config } from "@react-router/dev/config";

export default {
  basename: "/admin",
  ssr: true,
  // The kit checks where a form comes from (server/origin.ts). React Router would compare with the
  // host of the request, which behind the gateway is the front's own.
  allowedActionOrigins: ["**"],
} satisfies Config;
