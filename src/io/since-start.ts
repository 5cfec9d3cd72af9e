/** Milliseconds since this process started. `performance.now()` says the same and loads a module of Node's to do so. */
export const sinceStart = (): number => process.uptime() * 1000;
