import { memoryChannelPair } from '../src/channel.ts';
import { channelContract, type TestMessage } from './channel-contract.ts';

channelContract('in memory', async () => {
  const [left, right] = memoryChannelPair<TestMessage, TestMessage>();
  return {
    left,
    right,
    async [Symbol.asyncDispose]() {
      left.close();
    },
  };
});
