import { type Location, type NavigateFunction } from "react-router";

/** Where a person came from, so that signing in brings them back. */
export interface CameFrom {
  readonly from: string;
}

/** Pages that the server draws itself; the router knows nothing of them. */
const SERVER_PAGES = "/admin/";

/** Only an address inside SegWeb, and none that would lead straight back to the entrance. */
export function placeToReturn({ state, search }: Pick<Location, "state" | "search">): string {
  const from = (state as CameFrom | null)?.from ?? new URLSearchParams(search).get("next") ?? "/";
  const isInside = from.startsWith("/") && !/^\/[/\\]/.test(from);
  return isInside && !from.startsWith("/sign-in") && !from.startsWith("/password") ? from : "/";
}

/** Go to a place of this page, or let the browser load one of the server's. */
export function goTo(place: string, navigate: NavigateFunction): void {
  if (place.startsWith(SERVER_PAGES)) window.location.replace(place);
  else void navigate(place, { replace: true });
}
