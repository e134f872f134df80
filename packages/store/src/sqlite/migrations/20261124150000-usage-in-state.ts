import { sql } from 'kysely';
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What agents had used up was known only from their whole logs; from now on it is part of a session's state. Each usage
 * fact tells its turn's whole so far: the latest one of a turn counts.
 */
async function up(database: Kysely<unknown>): Promise<void> {
  await sql`
    create temp table usage_told as
    select session_id, max(seq) as seq, json_extract(data, '$.turnId') as turn_id, data
    from facts where type = 'usage' group by session_id, json_extract(data, '$.turnId')
  `.execute(database);
  await sql`
    create temp table usage_total as
    select
      session_id, count(*) as turns, max(seq) as seq,
      sum(json_extract(data, '$.inputTokens')) as input_tokens,
      sum(json_extract(data, '$.outputTokens')) as output_tokens,
      sum(coalesce(json_extract(data, '$.costUsd'), 0)) as cost
    from usage_told group by session_id
  `.execute(database);
  const latest = (field: string) => sql`(
    select json_extract(data, ${`$.${field}`}) from usage_told as told
    where told.session_id = sessions.id and json_extract(data, ${`$.${field}`}) is not null
    order by seq desc limit 1
  )`;
  await sql`
    update sessions set state = json_set(
      state,
      '$.agent.usage', json_object(
        'inputTokens', total.input_tokens, 'outputTokens', total.output_tokens, 'costUsd', total.cost,
        'turns', total.turns, 'contextTokens', ${latest('contextTokens')}, 'contextWindow', ${latest('contextWindow')}
      ),
      '$.agent.usageOfTurn', json_object(
        'turnId', told.turn_id,
        'inputTokens', json_extract(told.data, '$.inputTokens'),
        'outputTokens', json_extract(told.data, '$.outputTokens'),
        'costUsd', coalesce(json_extract(told.data, '$.costUsd'), 0)
      )
    )
    from usage_total as total join usage_told as told on told.session_id = total.session_id and told.seq = total.seq
    where total.session_id = sessions.id and json_type(state, '$.agent') = 'object'
  `.execute(database);
  await sql`drop table usage_told`.execute(database);
  await sql`drop table usage_total`.execute(database);
}

export const usageInState: Migration = { up };
