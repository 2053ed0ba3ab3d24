/** Seconds by a clock that never goes back. */
export const seconds = (): number => performance.now() / 1000;

/** The time, for what is said relatively: one timer for the whole app, one step every ten seconds. */
let now = $state.raw(new Date());
setInterval(() => {
  if (document.visibilityState === 'visible') now = new Date();
}, 10_000);

export const clock = {
  get now(): Date {
    return now;
  },
};
