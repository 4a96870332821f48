/** Absolute path of the folder with `index.html` and its files, for the token `PageFiles` of `@switchhook/core`. */
export declare const pageFolder: string;
