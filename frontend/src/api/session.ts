import { queryOptions, useMutation, useQuery } from "@tanstack/react-query";

import { lastActivity } from "../lib/activity";
import { BACKGROUND, client, expectData, onSignedOut } from "./client";
import { isBackgroundFetch, queryClient } from "./query_client";
import type { Session, SessionUser } from "./records";

const SESSION_KEY = ["session"] as const;

/** Why a person finds the sign-in page; the page says it in words. */
export type SignOutReason = "asked" | "idle" | "ended";

let signOutReason: SignOutReason | undefined;

export const lastSignOutReason = (): SignOutReason | undefined => signOutReason;

export function fetchSession(options: { isBackground: boolean }): Promise<Session> {
  return expectData(client.GET("/api/session", { headers: options.isBackground ? BACKGROUND : {} }));
}

export const sessionQuery = queryOptions({
  queryKey: SESSION_KEY,
  queryFn: () => fetchSession({ isBackground: isBackgroundFetch(SESSION_KEY) }),
  staleTime: Infinity,
});

export function useSession() {
  return useQuery(sessionQuery);
}

/** Calls `listener` with the person whenever somebody is signed in or nobody is any more. */
export function onSessionChange(listener: (user: SessionUser | null) => void): () => void {
  return queryClient.getQueryCache().subscribe((event) => {
    if (event.type !== "updated" || event.query.queryKey[0] !== SESSION_KEY[0]) return;
    const session = event.query.state.data as Session | undefined;
    if (event.action.type === "success" && session) listener(session.user);
  });
}

function keepSession(session: Session): void {
  queryClient.setQueryData(SESSION_KEY, session);
}

/** Forgets everything read for the person and shows the sign-in page. */
export function endSession(reason: SignOutReason): void {
  const session = queryClient.getQueryData<Session>(SESSION_KEY);
  if (session?.is_authenticated !== true) return;
  signOutReason = reason;
  keepSession({ ...session, is_authenticated: false, user: null });
  queryClient.removeQueries({ predicate: (query) => query.queryKey[0] !== SESSION_KEY[0] });
}

/** Asks the server, without counting as an act, whether the session still lives; ends it here when it does not. */
export async function checkSession(reason: SignOutReason): Promise<boolean> {
  const session = await fetchSession({ isBackground: true });
  if (session.is_authenticated) keepSession(session);
  else endSession(reason);
  return session.is_authenticated;
}

/** A refused request after a long pause means that the idle clock ran out on the server first. */
onSignedOut(() => {
  const session = queryClient.getQueryData<Session>(SESSION_KEY);
  const idleMs = Date.now() - lastActivity();
  endSession(session && idleMs >= session.idle_timeout_s * 1000 ? "idle" : "ended");
});

export function useSignIn() {
  return useMutation({
    mutationFn: (body: { username: string; password: string }) => expectData(client.POST("/api/session", { body })),
    onSuccess: (session) => {
      signOutReason = undefined;
      keepSession(session);
    },
  });
}

export async function signOut(): Promise<void> {
  await client.DELETE("/api/session");
  endSession("asked");
}

export function useChangePassword() {
  return useMutation({
    mutationFn: (body: { current_password: string; new_password: string }) =>
      client.POST("/api/session/password", { body }),
    onSuccess: async () => keepSession(await fetchSession({ isBackground: false })),
  });
}
