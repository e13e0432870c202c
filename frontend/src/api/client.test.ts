import { afterEach, describe, expect, it, vi } from "vitest";

import { lastActivity, noteActivity } from "../lib/activity";
import { ApiProblem, isPassing, OfflineError } from "../lib/problem";
import { BACKGROUND, client, expectData, onSignedOut } from "./client";
import { digestText } from "./resume_storage";

const json = (status: number, body: unknown, type = "application/problem+json") =>
  new Response(JSON.stringify(body), { status, headers: { "Content-Type": type } });

function answerWith(answer: Response | Error) {
  const asked: Request[] = [];
  vi.stubGlobal("fetch", (request: Request) => {
    asked.push(request);
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
  });
  return asked;
}

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("the client", () => {
  it("repeats the CSRF cookie on what changes something, and only there", async () => {
    document.cookie = "csrftoken=abc";
    const asked = answerWith(json(200, { is_authenticated: false }, "application/json"));
    await client.GET("/api/session");
    await client.POST("/api/session", { body: { username: "a", password: "b" } }).catch(() => undefined);
    expect(asked.map((request) => request.headers.get("X-CSRFToken"))).toEqual([null, "abc"]);
  });

  it("throws a problem with its code and its sentence", async () => {
    answerWith(json(409, { status: 409, code: "upload.finished", detail: "It has arrived." }));
    const refusal = await expectData(client.GET("/api/worklist")).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ status: 409, code: "upload.finished", sentence: "It has arrived." });
    expect(isPassing(refusal)).toBe(false);
  });

  it("tells a server that fails without words from one that cannot be reached", async () => {
    answerWith(new Response("<h1>Bad gateway</h1>", { status: 502, headers: { "Content-Type": "text/html" } }));
    const broken = await client.GET("/api/worklist").catch((error: unknown) => error);
    expect(broken).toBeInstanceOf(ApiProblem);
    expect(broken).toMatchObject({ code: "http.502", sentence: "" });
    answerWith(new TypeError("Failed to fetch"));
    const unreachable = await client.GET("/api/worklist").catch((error: unknown) => error);
    expect(unreachable).toBeInstanceOf(OfflineError);
    expect(isPassing(broken) && isPassing(unreachable)).toBe(true);
  });

  it("announces a session that is over, but not a wrong password", async () => {
    const codes: string[] = [];
    const stop = onSignedOut((problem) => codes.push(problem.code));
    answerWith(json(401, { code: "session.wrong_credentials" }));
    await client.POST("/api/session", { body: { username: "a", password: "b" } }).catch(() => undefined);
    answerWith(json(401, { code: "session.required" }));
    await client.GET("/api/worklist").catch(() => undefined);
    stop();
    expect(codes).toEqual(["session.required"]);
  });

  it("counts what a person asks as activity, and what the page asks by itself not", async () => {
    vi.useFakeTimers({ now: 1_000_000 });
    noteActivity(500_000);
    answerWith(json(200, {}, "application/json"));
    await client.GET("/api/session", { headers: BACKGROUND });
    expect(lastActivity()).toBe(500_000);
    answerWith(json(200, {}, "application/json"));
    await client.GET("/api/session");
    expect(lastActivity()).toBe(1_000_000);
  });
});

describe("the key of a file to go on with", () => {
  it("holds no name and differs for another file", () => {
    const key = digestText("7\nteam\nDOE^JANE/1.dcm\n100\n5");
    expect(key).toMatch(/^[0-9a-f]{24}$/);
    expect(digestText("7\nteam\nDOE^JANE/2.dcm\n100\n5")).not.toBe(key);
    expect(digestText("7\nteam\nDOE^JANE/1.dcm\n100\n5")).toBe(key);
  });
});
