<?php
function setting(string $name, string $else): string
{
    $file = getenv("{$name}_FILE");
    return $file ? rtrim(file_get_contents($file), "\r\n") : (getenv($name) ?: $else);
}

define('DB_NAME', setting('WORDPRESS_DB_NAME', 'wordpress'));
define('DB_USER', setting('WORDPRESS_DB_USER', 'example username'));
define('DB_PASSWORD', setting('WORDPRESS_DB_PASSWORD', 'example password'));
define('DB_HOST', setting('WORDPRESS_DB_HOST', 'mysql'));
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('AUTOMATIC_UPDATER_DISABLED', true);
define('WP_HTTP_BLOCK_EXTERNAL', true);
$table_prefix = setting('WORDPRESS_TABLE_PREFIX', 'wp_');

if (!defined('ABSPATH')) {
    define('ABSPATH', __DIR__ . '/');
}
require_once ABSPATH . 'wp-settings.php';
