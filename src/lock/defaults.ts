/** Longest wait in milliseconds for the answer to a write after its caller has cancelled. */
export const lateAnswerMs = 1000
