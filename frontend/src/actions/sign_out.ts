import { signOut } from "../api/session";
import type { Session } from "../api/records";
import type { Act } from "./act";

export const signOutAct: Act<Session> = {
  name: "sign_out",
  label: "nav.sign_out",
  can: (session) => session.is_authenticated,
  run: () => signOut(),
};
