/** What a comparison prints if the token may not read all of what is compared. */
export const unproven = 'no difference is visible, but the token may not read everything: equality is not proven'

/** Exit code of such a comparison. */
export const unprovenCode = 77

/** The meaning of {@link unprovenCode} in the help of commands that compare. */
export const unprovenMeaning =
  'the token may not read everything: no difference is visible, or Consul refused the request'
