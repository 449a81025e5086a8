/**
 * The probe's child process: opens the adapter and a device and runs one small shader, where a broken driver can take down
 * nothing but this process. Prints one line of JSON: a `ProbeReport`.
 *
 * Usage: `node probe-child.js [--allow-software]`
 *
 * @module
 */
import { checkAdapter } from "./adapter-check.ts";

console.log(JSON.stringify(await checkAdapter(process.argv.includes("--allow-software"))));
