/** The door for running a router. */
export {};
