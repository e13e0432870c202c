import { useOutletContext } from "react-router";

import type { Session, SessionUser } from "../../api/records";

/** The session of the person, inside RequireSession. */
export function useSignedIn(): Session & { readonly user: SessionUser } {
  const session = useOutletContext<Session>();
  if (!session.user) throw new Error("useSignedIn belongs inside RequireSession.");
  return { ...session, user: session.user };
}
