import { reactRouter } from "@react-router/dev/vite";
import { frontDevelopment } from "@tools-dashboard/front-kit/server/vite.ts";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/app/",
  plugins: [reactRouter(), frontDevelopment("front-public")],
  server: { port: Number(process.env["PORT"] || 4101), strictPort: true },
});
