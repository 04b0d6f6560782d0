/** Owns which network addresses contracts may talk to: public ones only, never the machine of the worker or the networks around it. */
import { BlockList, isIP } from 'node:net'

/**
 * Ranges that are not the public internet: own machine, private networks, link-local, carrier-grade, documentation, benchmarks, multicast, reserved; and the one
 * address of public range under which a cloud's host serves its guests their configuration.
 */
const FORBIDDEN_V4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], ['10.0.0.0', 8], ['100.64.0.0', 10], ['127.0.0.0', 8], ['168.63.129.16', 32], ['169.254.0.0', 16], ['172.16.0.0', 12], ['192.0.0.0', 24], ['192.0.2.0', 24], ['192.31.196.0', 24],
  ['192.52.193.0', 24], ['192.88.99.0', 24], ['192.168.0.0', 16], ['192.175.48.0', 24], ['198.18.0.0', 15], ['198.51.100.0', 24], ['203.0.113.0', 24], ['224.0.0.0', 4], ['240.0.0.0', 4],
]
/** Of IPv6 only global unicast (2000::/3) is left, without the ranges in it that carry IPv4 or documentation. */
const FORBIDDEN_V6: readonly (readonly [string, number])[] = [
  ['::', 3], ['4000::', 2], ['8000::', 1], ['2001::', 23], ['2001:db8::', 32], ['2002::', 16], ['3fff::', 20], ['64:ff9b::', 96],
]

const listOf = (ranges: readonly (readonly [string, number])[], kind: 'ipv4' | 'ipv6'): BlockList => {
  const list = new BlockList()
  for (const [net, prefix] of ranges) list.addSubnet(net, prefix, kind)
  return list
}

/** One list for each kind: a list of both takes IPv4 addresses for the IPv6 ones that can hold them. */
const forbidden = { ipv4: listOf(FORBIDDEN_V4, 'ipv4'), ipv6: listOf(FORBIDDEN_V6, 'ipv6') } as const

/** IPv4 address inside an IPv6 one (`::ffff:a.b.c.d`), in either of the ways it is written. */
const mappedV4 = (address: string): string | undefined => {
  const rest = /^::ffff:(.+)$/i.exec(address)?.[1]
  if (rest === undefined) return undefined
  if (isIP(rest) === 4) return rest
  const parts = /^([0-9a-f]{1,4}):([0-9a-f]{1,4})$/i.exec(rest)
  if (parts === null) return undefined
  const [high, low] = [parseInt(parts[1] as string, 16), parseInt(parts[2] as string, 16)]
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/** Whether an IP address is of the public internet. False for anything that is no address, and for one that names an interface of this machine (`%`). */
export const isPublicAddress = (address: string): boolean => {
  const plain = mappedV4(address) ?? address
  const version = isIP(plain)
  if (version === 0 || plain.includes('%')) return false
  const kind = version === 4 ? 'ipv4' : 'ipv6'
  return !forbidden[kind].check(plain, kind)
}
