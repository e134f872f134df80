/**
 * Frames on the holder's socket: [u32 length of what follows][u8 type][payload], big-endian.
 *   json   control messages, UTF-8
 *   data   holder → client: [u32 reader][u48 offset][bytes], output as the child wrote it
 *   write  client → holder: [u32 call][u16 id length][u16 token length][id][token][bytes]; token length 0: no token
 *   input  client → holder: [u32 call][u48 offset][u16 id length][u16 stream length][id][stream][bytes]; since version 2
 * Since version 3 a write may fill the largest frame; before, frames end at 2 MiB, as json still does.
 */

/** Both sides name what they speak in their hello; the socket's path carries no version. */
export const wireVersions: readonly number[] = [1, 2, 3];

/** Of type and payload. */
export const maximumFrameBytes = 8 * 1024 * 1024;
const maximumJsonBytes = 2 * 1024 * 1024;

/** Offsets have 48 bits. */
const maximumOffset = 2 ** 48 - 1;

const lengthBytes = 4;
const empty = Buffer.alloc(0);
const typeJson = 1;
const typeData = 2;
const typeWrite = 3;
const typeInput = 4;
const dataHeaderBytes = 1 + 4 + 6;
const writeHeaderBytes = 1 + 4 + 2 + 2;
const inputHeaderBytes = 1 + 4 + 6 + 2 + 2;

export type Frame =
  | { readonly type: 'json'; readonly value: unknown }
  | { readonly type: 'data'; readonly reader: number; readonly offset: number; readonly bytes: Uint8Array }
  | {
      readonly type: 'write';
      readonly call: number;
      readonly id: string;
      readonly token: string | null;
      readonly bytes: Uint8Array;
    }
  | {
      readonly type: 'input';
      readonly call: number;
      readonly id: string;
      readonly stream: string;
      readonly offset: number;
      readonly bytes: Uint8Array;
    };

/** @returns null when the message is beyond the largest frame. */
export function encodeJson(value: unknown): Buffer | null {
  const text = JSON.stringify(value);
  const size = Buffer.byteLength(text);
  if (1 + size > maximumJsonBytes) return null;
  const frame = Buffer.allocUnsafe(lengthBytes + 1 + size);
  frame.writeUInt32BE(1 + size, 0);
  frame.writeUInt8(typeJson, lengthBytes);
  frame.write(text, lengthBytes + 1);
  return frame;
}

/** What goes before `size` bytes of output, which follow on the socket as they are. */
export function encodeDataHeader(reader: number, offset: number, size: number): Buffer {
  const header = Buffer.allocUnsafe(lengthBytes + dataHeaderBytes);
  header.writeUInt32BE(dataHeaderBytes + size, 0);
  header.writeUInt8(typeData, lengthBytes);
  header.writeUInt32BE(reader, lengthBytes + 1);
  header.writeUIntBE(offset, lengthBytes + 5, 6);
  return header;
}

/** @returns null when it is beyond the largest frame. */
export function encodeWrite(call: number, id: string, token: string | null, bytes: Uint8Array): Buffer | null {
  const idBytes = Buffer.from(id);
  const tokenBytes = Buffer.from(token ?? '');
  const size = writeHeaderBytes + idBytes.length + tokenBytes.length + bytes.length;
  if (size > maximumFrameBytes || idBytes.length > 0xffff || tokenBytes.length > 0xffff) return null;
  const header = Buffer.allocUnsafe(lengthBytes + writeHeaderBytes);
  header.writeUInt32BE(size, 0);
  header.writeUInt8(typeWrite, lengthBytes);
  header.writeUInt32BE(call, lengthBytes + 1);
  header.writeUInt16BE(idBytes.length, lengthBytes + 5);
  header.writeUInt16BE(tokenBytes.length, lengthBytes + 7);
  return Buffer.concat([header, idBytes, tokenBytes, bytes]);
}

/** @returns null when it is beyond the largest frame, or the offset beyond what one can say. */
export function encodeInput(
  call: number,
  id: string,
  stream: string,
  offset: number,
  bytes: Uint8Array,
): Buffer | null {
  const idBytes = Buffer.from(id);
  const streamBytes = Buffer.from(stream);
  const size = inputHeaderBytes + idBytes.length + streamBytes.length + bytes.length;
  if (size > maximumFrameBytes || idBytes.length > 0xffff || streamBytes.length > 0xffff) return null;
  if (offset > maximumOffset) return null;
  const header = Buffer.allocUnsafe(lengthBytes + inputHeaderBytes);
  header.writeUInt32BE(size, 0);
  header.writeUInt8(typeInput, lengthBytes);
  header.writeUInt32BE(call, lengthBytes + 1);
  header.writeUIntBE(offset, lengthBytes + 5, 6);
  header.writeUInt16BE(idBytes.length, lengthBytes + 11);
  header.writeUInt16BE(streamBytes.length, lengthBytes + 13);
  return Buffer.concat([header, idBytes, streamBytes, bytes]);
}

/**
 * Cuts what a socket delivers into frames. Keeps at most one unfinished frame, in memory of its own: each byte of output
 * is copied once at most on its way through here, however the socket cut it.
 */
export class FrameReader {
  /** Of a length that is not there whole. */
  #length: Buffer = empty;
  #frame: Buffer | null = null;
  #filled = 0;

  /** Throws MalformedFrame; the reader must not be used afterwards. Bytes of a frame are the caller's to keep. */
  *push(chunk: Buffer): Generator<Frame, void> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#frame !== null) {
        const count = chunk.copy(this.#frame, this.#filled, at);
        at += count;
        this.#filled += count;
        if (this.#filled < this.#frame.length) return;
        const frame = this.#frame;
        this.#frame = null;
        yield decode(frame);
        continue;
      }
      const missing = lengthBytes - this.#length.length;
      const length = Buffer.concat([this.#length, chunk.subarray(at, at + missing)]);
      at += length.length - this.#length.length;
      this.#length = length;
      if (length.length < lengthBytes) return;
      const size = length.readUInt32BE(0);
      if (size < 1 || size > maximumFrameBytes) throw new MalformedFrame(`a frame of ${size} bytes`);
      this.#length = empty;
      if (chunk.length - at >= size) {
        const frame = chunk.subarray(at, at + size);
        at += size;
        yield decode(frame);
      } else {
        this.#frame = Buffer.allocUnsafe(size);
        this.#filled = 0;
      }
    }
  }
}

export class MalformedFrame extends Error {}

function decode(frame: Buffer): Frame {
  switch (frame[0]) {
    case typeJson:
      try {
        return { type: 'json', value: JSON.parse(frame.toString('utf8', 1)) };
      } catch {
        throw new MalformedFrame('not JSON');
      }
    case typeData:
      if (frame.length < dataHeaderBytes) throw new MalformedFrame('a short data frame');
      return {
        type: 'data',
        reader: frame.readUInt32BE(1),
        offset: frame.readUIntBE(5, 6),
        bytes: frame.subarray(dataHeaderBytes),
      };
    case typeWrite: {
      if (frame.length < writeHeaderBytes) throw new MalformedFrame('a short write frame');
      const idEnd = writeHeaderBytes + frame.readUInt16BE(5);
      const tokenEnd = idEnd + frame.readUInt16BE(7);
      if (frame.length < tokenEnd) throw new MalformedFrame('a short write frame');
      return {
        type: 'write',
        call: frame.readUInt32BE(1),
        id: frame.toString('utf8', writeHeaderBytes, idEnd),
        token: tokenEnd === idEnd ? null : frame.toString('utf8', idEnd, tokenEnd),
        bytes: frame.subarray(tokenEnd),
      };
    }
    case typeInput: {
      if (frame.length < inputHeaderBytes) throw new MalformedFrame('a short input frame');
      const idEnd = inputHeaderBytes + frame.readUInt16BE(11);
      const streamEnd = idEnd + frame.readUInt16BE(13);
      if (frame.length < streamEnd) throw new MalformedFrame('a short input frame');
      return {
        type: 'input',
        call: frame.readUInt32BE(1),
        offset: frame.readUIntBE(5, 6),
        id: frame.toString('utf8', inputHeaderBytes, idEnd),
        stream: frame.toString('utf8', idEnd, streamEnd),
        bytes: frame.subarray(streamEnd),
      };
    }
    default:
      throw new MalformedFrame(`a frame of type ${frame[0]}`);
  }
}
