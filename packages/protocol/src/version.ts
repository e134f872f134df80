/**
 * Version of the wire between page, server and runner. Raised when an old peer could misread a message;
 * adding an optional field or a new message is not such a change. wire.hash.test.ts notices every change of shape.
 */
export const protocolVersion = 2;
