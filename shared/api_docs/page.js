// Swagger UI for the public API. A log-in, by the form or by trying POST /auth/login or
// /auth/refresh, puts the access token into every later request; it is kept in memory only.
"use strict";

const TOKEN_PATHS = ["/auth/login", "/auth/refresh"];

const reference = SwaggerUIBundle({
  url: "/docs/openapi.json",
  dom_id: "#reference",
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  filter: true,
  tagsSorter: "alpha",
  tryItOutEnabled: true,
  validatorUrl: null,
  responseInterceptor: (response) => {
    const { pathname } = new URL(response.url, location.origin);
    if (response.ok && TOKEN_PATHS.includes(pathname)) {
      authorize(JSON.parse(response.text).access_token);
    }
    return response;
  },
});

function authorize(token) {
  reference.authActions.authorize({
    user: {
      name: "user",
      schema: { type: "http", scheme: "bearer", bearerFormat: "JWT" },
      value: token,
    },
  });
}

const form = document.getElementById("login");
const status = form.querySelector("[role=status]");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  status.textContent = "Logging in…";
  try {
    const answer = await fetch("/auth/login", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(Object.fromEntries(new FormData(form))),
    });
    const body = await answer.json();
    if (answer.ok) {
      authorize(body.access_token);
      const minutes = Math.round(body.expires_in / 60);
      status.textContent = `Logged in for ${minutes} minutes. Requests carry your access token.`;
    } else {
      status.textContent = body.detail;
    }
  } catch {
    status.textContent = "The log-in service can't be reached. Try again shortly.";
  }
});
