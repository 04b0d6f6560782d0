/** Owns the description of the API as protobuf source text, made from the schemas. */
import { workerApi } from '../api/index.ts'
import { METHODS_NOT_OFFERED } from '../api/not-offered.ts'
import type { MessageSchema, Method } from '../api/schema.ts'
import { snakeCase } from '../wire/json.ts'

const collect = (schema: MessageSchema<unknown>, into: Map<string, MessageSchema<unknown>>): void => {
  if (into.has(schema.name)) return
  into.set(schema.name, schema)
  for (const { type } of Object.values(schema.fields)) if (typeof type !== 'string') collect(type, into)
}

const describeMessage = (schema: MessageSchema<unknown>): string => {
  const lines = Object.entries(schema.fields).map(([name, { tag, type, rule }]) => {
    const prefix = rule === 'repeated' ? 'repeated ' : rule === 'optional' && typeof type === 'string' ? 'optional ' : ''
    return `  ${prefix}${typeof type === 'string' ? type : type.name} ${snakeCase(name)} = ${tag};`
  })
  return [`message ${schema.name} {`, ...lines, '}'].join('\n')
}

/** Protobuf source of all services and messages, with limits and access in comments. */
export const describeApi = (): string => {
  const messages = new Map<string, MessageSchema<unknown>>()
  const services = Object.entries(workerApi).map(([service, methods]) => {
    const lines = Object.entries(methods as Readonly<Record<string, Method<unknown, unknown>>>).map(([name, method]) => {
      collect(method.params, messages)
      collect(method.result, messages)
      return `  // ${method.doc} (${method.access}, body up to ${method.limitBytes} bytes)\n  rpc ${name}(${method.params.name}) returns (${method.result.name}) {}`
    })
    return [`service ${service} {`, ...lines, '}'].join('\n')
  })
  const absent = `// Known but not offered by this worker: ${Object.keys(METHODS_NOT_OFFERED).join(', ')}.`
  return ['syntax = "proto3";', '', ...services, '', absent, '', ...[...messages.values()].map(describeMessage), ''].join('\n')
}
