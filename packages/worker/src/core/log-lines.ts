/** Owns every line that the worker may log, with the fields that may stand beside it. Nothing else leaves the trusted side; all of it is public. */

/** Constant messages and their fields. */
export const LOG_LINES = {
  initialised: ['identity', 'genesis', 'fresh'],
  'resumed from a checkpoint': ['identity', 'block'],
  'goes on at a checkpoint of the chain': ['from', 'block'],
  'ephemeral identity: the platform has no sealing key, so this worker is a new one at every start and keeps nothing': ['platform'],
  'checkpoint belongs to another identity or chain and is not used': [],
  'checkpoint is not usable': ['file', 'code'],
  'checkpoint written': ['file', 'block'],
  'checkpoint could not be written': ['file', 'block'],
  'registered on chain': ['block', 'confidence'],
  'the chain counts this worker\'s evidence no longer': ['block', 'reason'],
  'ECDH key rotates': ['block', 'epoch'],
  'another ECDH key is in force': ['block', 'epoch'],
  'responsiveness event does not fit the session': ['block'],
  'message skipped: its payload does not decode': ['block', 'index', 'code'],
  'message dropped: too many wait for the chain': ['block'],
  'halted: two final histories': ['block'],
  'this version is retired: nothing confidential is served': ['reason'],
  'gatekeeper is active': ['block'],
  'gatekeeper is suspended': ['block'],
  'gatekeeper asks the others for the master key': ['block'],
  'gatekeeper caught up with the others': ['block'],
  'past of the gatekeepers cannot be read': ['block', 'code'],
  'alarm: this gatekeeper differs from the others': ['block', 'alarm'],
  'economy met an input that it ignores': ['block', 'rule'],
  'root secret not available': ['question', 'code'],
  'answer of the root secret not taken': [],
  'benchmark result not taken': [],
  'worker listens': ['port', 'publicPort'],
  'listener failed': [],
  'request failed': ['requestId', 'status', 'costMs'],
  'request could not be answered': [],
  'method failed by a fault of the worker': ['method'],
  'stopping failed': [],
  'worker stopped': [],
} as const satisfies Readonly<Record<string, readonly string[]>>

/** A message that may be logged. */
export type LogLine = keyof typeof LOG_LINES
