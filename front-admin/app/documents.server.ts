/** The documents of the contracts, which hold the rules of the fields. */
import api from "../../shared/contracts/generated/openapi/back-api.json";
import auth from "../../shared/contracts/generated/openapi/back-auth.json";

export const documents = [api, auth];
