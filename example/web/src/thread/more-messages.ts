/** What is loaded is not all drawn: fewer and larger pages are fewer subscriptions. */
export const MORE_MESSAGES = 200;
