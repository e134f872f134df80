/** An agent's form (ACP elicitation) ↔ our questions. */
import type { Question } from '@holdfast/protocol/approval.ts';
import type { CreateElicitationResponse, ElicitationContentValue } from '@agentclientprotocol/sdk';
import { z } from 'zod';
import type { FormProperty, FormRequest } from './wire.ts';

/** What is needed to turn the answer back; kept in the holder while the question is open. */
export const formFieldSchema = z.object({
  key: z.string(),
  /** The question's text: what the answer is filed under. */
  question: z.string(),
  type: z.enum(['string', 'number', 'integer', 'boolean', 'array']),
  required: z.boolean(),
  choices: z.array(z.object({ value: z.string(), label: z.string() })),
});
export type FormField = z.infer<typeof formFieldSchema>;

/** null: the form asks for something that we cannot show. */
export function questionsOf(form: FormRequest): { questions: Question[]; fields: FormField[] } | null {
  const questions: Question[] = [];
  const fields: FormField[] = [];
  const properties = Object.entries(form.requestedSchema.properties);
  const required = form.requestedSchema.required ?? [];
  for (const [key, property] of properties) {
    const type = formFieldSchema.shape.type.safeParse(property.type);
    if (!type.success) return null;
    const label = property.description ?? property.title ?? key;
    const question = properties.length === 1 && property.description === undefined ? form.message : label;
    const options = optionsOf(property);
    questions.push({
      question,
      ...(property.title === undefined ? {} : { header: property.title }),
      multiSelect: type.data === 'array',
      options: options.map(({ label, description }) =>
        description === undefined ? { label } : { label, description },
      ),
    });
    fields.push({
      key,
      question,
      type: type.data,
      required: required.includes(key),
      choices: options.map(({ value, label }) => ({ value, label })),
    });
  }
  return { questions, fields };
}

function optionsOf(property: FormProperty): { value: string; label: string; description?: string }[] {
  if (property.type === 'boolean') {
    return [
      { value: 'true', label: 'Yes' },
      { value: 'false', label: 'No' },
    ];
  }
  const titled = property.oneOf ?? property.items?.anyOf;
  if (titled !== undefined) {
    return titled.map((choice) => ({
      value: choice.const,
      label: choice.title ?? choice.const,
      ...(choice.description === undefined ? {} : { description: choice.description }),
    }));
  }
  return (property.enum ?? property.items?.enum ?? []).map((value) => ({ value, label: value }));
}

/** answers: question text → label, labels joined by ", ", or free text. A required field without a usable answer cancels the form. */
export function formReply(
  fields: readonly FormField[],
  answers: Readonly<Record<string, string>>,
): CreateElicitationResponse {
  const content: Record<string, ElicitationContentValue> = {};
  for (const field of fields) {
    const answer = answers[field.question];
    const value = answer === undefined ? undefined : valueOf(field, answer);
    if (value !== undefined) content[field.key] = value;
    else if (field.required) return { action: 'cancel' };
  }
  return { action: 'accept', content };
}

function valueOf(field: FormField, answer: string): ElicitationContentValue | undefined {
  const chosen = field.choices.find((choice) => choice.label === answer)?.value;
  switch (field.type) {
    case 'boolean':
      return chosen === undefined ? undefined : chosen === 'true';
    case 'number':
    case 'integer': {
      const number = Number(answer);
      const fits =
        answer.trim() !== '' && (field.type === 'integer' ? Number.isInteger(number) : Number.isFinite(number));
      return fits ? number : undefined;
    }
    case 'array':
      return chosen === undefined ? chosenAmong(field, answer) : [chosen];
    case 'string':
      return chosen ?? answer;
  }
}

/** Labels may hold commas themselves: the longest label that fits is taken each time. */
function chosenAmong(field: FormField, answer: string): string[] {
  const longestFirst = field.choices.toSorted((a, b) => b.label.length - a.label.length);
  const values: string[] = [];
  let rest = answer;
  while (rest !== '') {
    const text = rest;
    const choice = longestFirst.find(({ label }) => label !== '' && (text === label || text.startsWith(`${label}, `)));
    if (choice !== undefined) values.push(choice.value);
    const comma = text.indexOf(', ');
    const taken = choice?.label.length ?? (comma === -1 ? text.length : comma);
    rest = text.slice(taken).replace(/^, /, '');
  }
  return values;
}
