/** Public face of `@phalanx/worker/platform`. */
import '../errors.ts'
export { platformCompliance, type PlatformUnderTest } from './compliance.ts'
export { openDiskBlobStore } from './disk-blob-store.ts'
export type { DeviceFiles, GuestSocket, Platform, PlatformDependencies, PlatformKind, Prerequisite } from './platform.ts'
export {
  createSoftwarePlatform, software, softwareFamilyMeasurements, softwareMeasurement, softwareOf, softwareRootCertificate, softwareSigner, softwareVendor, type SoftwarePlatformDependencies,
  type SoftwarePlatformOptions,
} from './software.ts'
