/**
 * `consul-baton/discover`: lists of services, and the registration of a service.
 *
 * @module consul-baton/discover
 */
export type {ServiceDirectory} from '../discover/directory.js'
export {type OpenDirectoryOptions, openDirectory, readList} from '../discover/open.js'
export type {DiscoverFrom} from '../discover/source.js'
export type {Capability, DirectoryStatus, DiscoveredService} from '../discover/types.js'
export {registerService} from '../service/register.js'
export type {OfferedService, RegisteredService, RegisterOptions, RegistrationNotice} from '../service/types.js'
