// What the public API takes and answers, and the live events of a user's socket.
// Written by ./dev contracts sync from shared/contracts and shared/models; not by hand.

/** One event that happened to a user. */
export interface AuditEntry {
  event_id: string;
  event_type: string;
  occurred_at: string;
  user_id: string | null;
  correlation_id: string;
  payload: Record<string, JsonValue>;
}

/** Entries, newest first; `next` is the `before` of the following page, null at the end. */
export interface AuditPage {
  items: AuditEntry[];
  next: string | null;
}

/** The user who asks: `GET /api/users/me`. */
export interface CurrentUserView {
  id: string;
  email: string;
  role: "user" | "admin";
  permissions: string[];
  status: "pending_verification" | "active" | "suspended";
  created_at: string;
}

/** The account that the token confirmed. */
export interface EmailVerified {
  user_id: string;
  status: "pending_verification" | "active" | "suspended";
}

/** What every event looks like, in the outbox, in a stream and on a socket. */
export interface EventEnvelope {
  event_id: string;
  event_type: string;
  version?: number;
  occurred_at: string;
  correlation_id: string;
  payload: Record<string, JsonValue>;
}

/** What is wrong with one part of a request; `pointer` is a JSON Pointer (RFC 6901). */
export interface FieldError {
  pointer: string;
  message: string;
  code: string;
}

export type JsonValue = unknown;

/** An RSA public key (RFC 7517). */
export interface JsonWebKey {
  kty: "RSA";
  use: "sig";
  alg: "RS256";
  kid: string;
  n: string;
  e: string;
}

/** The keys that verify access tokens (RFC 7517). */
export interface JsonWebKeySet {
  keys: JsonWebKey[];
}

/** Address and password. A password of any length up to the limit may be tried. */
export interface Login {
  email: string;
  password: string;
}

/** `application/problem+json`; `code` is the stable word for programs. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  instance: string;
  code: string;
  correlation_id: string;
  errors?: FieldError[] | null;
}

/** A profile as its user sees it; `completion` is a percentage. */
export interface Profile {
  id: string;
  user_id: string;
  first_name: string;
  last_name: string;
  display_name: string | null;
  company: string | null;
  job_title: string | null;
  language: string;
  timezone: string;
  completion: number;
  created_at: string;
  updated_at: string;
}

/** A first profile: the names are needed, the rest completes it. */
export interface ProfileCreate {
  first_name: string;
  last_name: string;
  display_name?: string | null;
  company?: string | null;
  job_title?: string | null;
  language?: string;
  timezone?: string;
}

/** `profile.created`. */
export interface ProfileCreated {
  user_id: string;
  profile_id: string;
  completion: number;
}

/** The fields to change. An absent field stays; null empties one that may be empty. */
export interface ProfileUpdate {
  first_name?: string | null;
  last_name?: string | null;
  display_name?: string | null;
  company?: string | null;
  job_title?: string | null;
  language?: string | null;
  timezone?: string | null;
}

/** `profile.updated`, with the names of the fields that changed. */
export interface ProfileUpdated {
  user_id: string;
  profile_id: string;
  completion: number;
  changed: string[];
}

/** The refresh token to trade for a new pair. */
export interface Refresh {
  refresh_token: string;
}

/** The same answer whether or not the address was free. */
export interface RegistrationAccepted {
  user_id: string;
  status: "pending_verification";
}

/** A ticket that opens one WebSocket once. */
export interface SocketTicket {
  ticket: string;
  /** seconds until the ticket ends */
  expires_in: number;
}

/** The chore to run now. */
export interface StartMaintenanceTask {
  chore: "sweep_credentials";
}

/** A task and how far it is; `result` once it succeeded, `error` once it failed. */
export interface Task {
  task_id: string;
  name: string | null;
  state: "pending" | "started" | "succeeded" | "failed";
  result: JsonValue | null;
  error: string | null;
}

/** A short-lived access token (JWT) and the single-use refresh token that follows it. */
export interface TokenPair {
  access_token: string;
  token_type: "Bearer";
  /** seconds until the access token ends */
  expires_in: number;
  refresh_token: string;
}

/** What a visitor sends to sign up. */
export interface UserRegistration {
  email: string;
  password: string;
  accept_terms: boolean;
}

/** `user.role.changed`: the user may now do what `role` allows. */
export interface UserRoleChanged {
  user_id: string;
  role: "user" | "admin";
}

/** The token from the confirmation mail. */
export interface VerifyEmail {
  token: string;
}

/** Payloads of live events by `event_type`. */
export interface LiveEvents {
  "profile.created": ProfileCreated;
  "profile.updated": ProfileUpdated;
  "user.role.changed": UserRoleChanged;
}

/** What each public endpoint takes and answers. */
export interface Endpoints {
  "GET /.well-known/jwks.json": {
    request: undefined;
    response: JsonWebKeySet;
    status: 200;
    codes: never;
  };
  "GET /api/admin/audit": {
    request: undefined;
    response: AuditPage;
    status: 200;
    codes: "cursor_invalid";
  };
  "POST /api/admin/maintenance": {
    request: StartMaintenanceTask;
    response: Task;
    status: 202;
    codes: never;
  };
  "GET /api/admin/maintenance/{task_id}": {
    request: undefined;
    response: Task;
    status: 200;
    codes: "task_not_found";
  };
  "GET /api/profile": {
    request: undefined;
    response: Profile;
    status: 200;
    codes: "profile_not_found";
  };
  "PATCH /api/profile": {
    request: ProfileUpdate;
    response: Profile;
    status: 200;
    codes: "profile_not_found" | "stale_version" | "validation_failed";
  };
  "POST /api/profile": {
    request: ProfileCreate;
    response: Profile;
    status: 201;
    codes: "profile_exists" | "validation_failed";
  };
  "POST /api/user-registration": {
    request: UserRegistration;
    response: RegistrationAccepted;
    status: 202;
    codes: "terms_not_accepted" | "too_many_requests" | "validation_failed";
  };
  "GET /api/users/me": {
    request: undefined;
    response: CurrentUserView;
    status: 200;
    codes: never;
  };
  "POST /auth/login": {
    request: Login;
    response: TokenPair;
    status: 200;
    codes: "account_suspended" | "email_not_verified" | "invalid_credentials" | "too_many_requests";
  };
  "POST /auth/logout": {
    request: undefined;
    response: undefined;
    status: 204;
    codes: never;
  };
  "POST /auth/refresh": {
    request: Refresh;
    response: TokenPair;
    status: 200;
    codes: "refresh_token_invalid";
  };
  "GET /auth/verify-email": {
    request: undefined;
    response: string;
    status: 200;
    codes: never;
  };
  "POST /auth/verify-email": {
    request: VerifyEmail;
    response: EmailVerified;
    status: 200;
    codes: "verification_token_expired" | "verification_token_invalid";
  };
  "POST /auth/ws-ticket": {
    request: undefined;
    response: SocketTicket;
    status: 201;
    codes: never;
  };
}
