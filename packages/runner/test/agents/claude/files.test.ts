/** Files that go with a message, on the real Claude Code: what reaches the model, and what the agent may read. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { imageHeader } from '@holdfast/runner/agents/image-header.ts';
import type { AttachedFile } from '@holdfast/runner/uploads/uploads.ts';
import { keywordScript } from '@holdfast/testkit/model/keyword-script.ts';
import { says, uses } from '@holdfast/testkit/model/reply.ts';
import { pngImage } from '@holdfast/testkit/png.ts';
import { Session } from './session.ts';

interface Block {
  readonly type: string;
  readonly text?: string;
  readonly source?: { readonly type: string; readonly media_type: string; readonly data: string };
}

/** What the model was last asked, as blocks of the person's message. */
function asked(session: Session): Block[] {
  const { messages } = session.model.requests.at(-1)?.body as {
    messages: { role: string; content: Block[] | string }[];
  };
  return messages.flatMap(({ role, content }) => (role === 'user' && typeof content !== 'string' ? content : []));
}
const images = (session: Session) => asked(session).flatMap(({ source }) => (source === undefined ? [] : [source]));
const words = (session: Session) =>
  asked(session)
    .flatMap(({ text = '' }) => text)
    .join('\n');

function put(session: Session, name: string, mediaType: string, bytes: Buffer): AttachedFile {
  const directory = join(session.filesDirectory, `u-${name}`);
  mkdirSync(directory, { recursive: true });
  const path = join(directory, name);
  writeFileSync(path, bytes);
  return { name, mediaType, size: bytes.length, path };
}

describe('files of a message', () => {
  it('UPLOAD10: images reach the model as images, before the text, also more than fits an ordinary write', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    const small = pngImage(40, 30);
    const large = pngImage(900, 700, 'noise');
    expect(large.length).toBeGreaterThan(1024 * 1024);
    const files = [put(session, 'small.png', 'image/png', small), put(session, 'large.png', 'image/png', large)];
    await session.send('say seen', files);
    expect((await session.fact('turn.ended')).outcome).toBe('completed');
    const [first, second] = images(session);
    expect(first).toEqual({ type: 'base64', media_type: 'image/png', data: small.toString('base64') });
    // The agent writes what is as large as this smaller by itself.
    expect(imageHeader(Buffer.from(second?.data ?? '', 'base64'))).toMatchObject({ width: 900, height: 700 });
    const types = asked(session).map(({ type, text = '' }) => (text.includes('say seen') ? 'the words' : type));
    expect(types.indexOf('the words')).toBeGreaterThan(types.lastIndexOf('image'));
    expect(words(session)).not.toContain(session.filesDirectory);
    // An image alone is a message, too.
    await session.send('', files.slice(0, 1));
    expect((await session.fact('turn.ended', 2)).outcome).toBe('completed');
    expect(images(session)).toHaveLength(3);
  });

  it('UPLOAD10: any other file is named by its path, which the agent may read without asking, and may not change', async () => {
    let path = '';
    await using session = await Session.open(({ toolResults, userText }, index) => {
      if (toolResults.length > 0) return says(`Result: ${toolResults.map((result) => result.text).join('\n')}`);
      if (!userText.includes(path)) return says('no path');
      return says(index === 0 ? uses('Read', { file_path: path }) : uses('Write', { file_path: path, content: 'x' }));
    });
    await session.start();
    const file = put(session, 'meine Notizen.txt', 'text/plain', Buffer.from('the secret is 42\n'));
    path = file.path;
    await session.send('read it', [file]);
    expect((await session.fact('turn.ended')).outcome).toBe('completed');
    expect(session.of('message.assistant')[0]?.text).toContain('the secret is 42');
    expect(session.of('approval.requested')).toEqual([]);
    expect(words(session)).toContain(`- ${path} (text/plain, 17 bytes)`);
    await session.send('now change it', [file]);
    const { approvalId, toolCallId } = await session.fact('approval.requested');
    await session.agent.answer(approvalId, toolCallId, { decision: 'deny' });
    await session.fact('turn.ended', 2);
  });

  it('UPLOAD10: what only claims to be an image, or is one no provider takes, is named by its path', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    const files = [
      put(session, 'page.png', 'image/png', Buffer.from('<html>'.repeat(20))),
      put(session, 'wide.png', 'image/png', pngImage(2_400, 4)),
      put(session, 'drawing.svg', 'image/svg+xml', Buffer.from('<svg/>')),
      // It is what its bytes say.
      put(session, 'photo.jpg', 'image/jpeg', pngImage(8, 8)),
    ];
    await session.send('say hello', files);
    await session.fact('turn.ended');
    expect(images(session).map((source) => source.media_type)).toEqual(['image/png']);
    for (const { path } of files.slice(0, 3)) expect(words(session)).toContain(path);
    expect(words(session)).not.toContain('photo.jpg');
  });

  it('UPLOAD10, TURN4: a prompt with images whose delivery is repeated reaches the model once', async () => {
    await using session = await Session.open(keywordScript);
    await session.start();
    const turn = session.nextTurn('say once', [put(session, 'a.png', 'image/png', pngImage(8, 8))]);
    await Promise.all([session.agent.startTurn(turn), session.agent.startTurn(turn)]);
    await session.reattach();
    // The files may be gone by then.
    await session.agent.startTurn({ ...turn, files: [] });
    await session.fact('turn.ended');
    await session.send('say after');
    await session.fact('turn.ended', 2);
    expect(session.model.requests).toHaveLength(2);
    expect(images(session)).toHaveLength(1);
  });
});
