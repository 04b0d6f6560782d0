/**
 * Owns what must be true before anything of ours can run: a Node that is new enough and an installed set of dependencies that
 * matches the lock file. Plain JavaScript without dependencies, because it runs before there are any.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Oldest Node that runs the project. */
export const NODE_MINIMUM = [20, 19, 0]

/** Cause and fix when this Node is too old, undefined when it will do. */
export const nodeProblem = (version) => {
  const parts = version.split('.').map(Number)
  for (let i = 0; i < NODE_MINIMUM.length; i++) {
    if (parts[i] > NODE_MINIMUM[i]) return undefined
    if (parts[i] < NODE_MINIMUM[i]) {
      return {
        cause: `Node ${version} is too old; ${NODE_MINIMUM.slice(0, 2).join('.')} or newer is needed.`,
        fix: 'Install Node 20 LTS or newer from https://nodejs.org and run the command again.',
      }
    }
  }
  return undefined
}

const readJson = (path) => {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return undefined
  }
}

/** A package for another platform that npm rightly left out. */
const mayBeAbsent = (entry) => entry.optional === true || entry.devOptional === true || entry.peer === true

/** Why `npm ci` is needed, undefined when what is installed is what the lock file says. */
export const installReason = (root) => {
  const wantedPath = join(root, 'package-lock.json')
  const havePath = join(root, 'node_modules/.package-lock.json')
  if (!existsSync(havePath)) return 'nothing is installed yet'
  if (!existsSync(wantedPath)) return undefined
  if (statSync(wantedPath).mtimeMs <= statSync(havePath).mtimeMs) return undefined
  const wanted = readJson(wantedPath)?.packages
  const have = readJson(havePath)?.packages
  if (wanted === undefined || have === undefined) return 'the lock file of the installed set is unreadable'
  for (const [path, entry] of Object.entries(wanted)) {
    if (!path.startsWith('node_modules/') && !path.includes('/node_modules/')) continue
    if (have[path] === undefined ? !mayBeAbsent(entry) : have[path].version !== entry.version) return `${path.replace(/^.*node_modules\//, '')} changed`
  }
  return undefined
}

/** Cause and fix of a failed `npm ci`, read from what npm printed. */
export const explainInstallFailure = (code, output) => {
  if (code === 'ENOENT') return { cause: 'npm was not found.', fix: 'Install npm (it comes with Node from https://nodejs.org) and run the command again.' }
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ECONNRESET|ERR_SOCKET_TIMEOUT/.test(output)) {
    return {
      cause: 'the package registry cannot be reached.',
      fix: 'Check the network and proxy (npm config get registry), then run the command again; what was fetched is kept.',
    }
  }
  if (/ENOSPC/.test(output)) return { cause: 'the disk is full.', fix: 'Free about 600 MB and run the command again.' }
  if (/EACCES|EPERM/.test(output)) return { cause: 'the project folder cannot be written.', fix: 'Make it yours (chown) or clone it elsewhere, then run the command again.' }
  const errors = output.split('\n').filter((line) => /^npm (error|ERR!) \S/.test(line))
  const last = (errors.length > 0 ? errors.slice(0, 6) : output.trim().split('\n').slice(-6)).join('\n  ')
  return { cause: `npm ci failed (${code}).\n  ${last}`, fix: 'Run npm ci by hand to see everything it says.' }
}

const showProgress = (stream, label) => {
  const started = Date.now()
  const line = () => `${label} ${Math.round((Date.now() - started) / 1000)} s`
  if (!stream.isTTY) {
    stream.write(`${label}\n`)
    return (outcome) => stream.write(`${outcome} (${Math.round((Date.now() - started) / 1000)} s)\n`)
  }
  const timer = setInterval(() => stream.write(`\r${line()} `), 200)
  return (outcome) => {
    clearInterval(timer)
    stream.write(`\r\u001b[2K${outcome} (${Math.round((Date.now() - started) / 1000)} s)\n`)
  }
}

/** Runs `npm ci` when needed. Resolves to a problem {cause, fix}, or undefined when everything is in place. */
export const ensureInstalled = async (root, stream = process.stderr) => {
  const reason = installReason(root)
  if (reason === undefined) return undefined
  const done = showProgress(stream, `installing dependencies (${reason}) ...`)
  const { code, output } = await new Promise((resolve) => {
    const isWindows = process.platform === 'win32'
    const child = spawn(isWindows ? 'npm.cmd' : 'npm', ['ci', '--no-audit', '--no-fund'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], shell: isWindows })
    let text = ''
    child.stdout.on('data', (chunk) => (text += chunk))
    child.stderr.on('data', (chunk) => (text += chunk))
    child.on('error', (error) => resolve({ code: error.code ?? 'error', output: text }))
    child.on('close', (status, signal) => resolve({ code: status ?? signal, output: text }))
  })
  done(code === 0 ? 'dependencies installed' : 'dependencies not installed')
  return code === 0 ? undefined : explainInstallFailure(code, output)
}
