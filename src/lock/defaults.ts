/**
 * Maximum time to wait for the answer to a write after its caller has cancelled, in milliseconds.
 */
export const lateAnswerMs = 1000
