#!/usr/bin/env node
import module from 'node:module';

// Node 22.8 and newer keep the compiled code for the next start.
module.enableCompileCache?.();
await import('../dist/main.js');
