import type { Config } from "@react-router/dev/config";

export default {
  basename: "/app",
  ssr: true,
} satisfies Config;
