/** What every component may do beside its work. All of it is optional. */
export interface Lifecycle {
  /**
   * Called before anything else; must be done within 30 s. A throw keeps the router from starting. Do not wait here for what
   * may be down for a while. What a caller's answer can do without is no such reason: a resolver, and the store where there
   * are sources of calls, are opened again after a throw or those 30 s, with growing pauses, until it succeeds. So give back,
   * before you throw, what you have taken, and mind that a call that timed out may still be running.
   */
  open?(): Promise<void>;
  /**
   * Of a store, where another process has it open and is about to release it: does what `open` needs and what can be done before, such as
   * starting a thread. `open` follows, or `close` alone. A throw is ignored: `open` reports what is wrong.
   */
  prepare?(): Promise<void>;
  /** Called once, after the last call has returned, where `open` or `prepare` has succeeded. Give back everything. */
  close?(): Promise<void>;
  /**
   * `switchhook check --connect` and `switchhook probe`: reach what the component depends on, without effect; of a store, without
   * `open` and beside a router that has it open. A throw reports why it cannot be used. A returned text is shown in place of
   * `ok`: what was found, or why nothing was tried.
   */
  probe?(signal: AbortSignal): Promise<void> | Promise<string | null>;
}
