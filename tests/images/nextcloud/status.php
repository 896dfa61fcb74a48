<?php
mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
header('Content-Type: application/json');
try {
    $db = new mysqli(getenv('MYSQL_HOST'), getenv('MYSQL_USER'), getenv('MYSQL_PASSWORD'), getenv('MYSQL_DATABASE'));
    $db->query('CREATE TABLE IF NOT EXISTS visits (id INT AUTO_INCREMENT PRIMARY KEY)');
    $db->query('INSERT INTO visits VALUES ()');
    $cache = new Redis();
    $cache->connect(getenv('REDIS_HOST'), 6379, 2);
    $cache->incr('visits');
    file_put_contents('data/visits', $db->insert_id);
    echo json_encode(['installed' => true, 'database' => $db->insert_id, 'cache' => (int) $cache->get('visits')]);
} catch (Exception $error) {
    http_response_code(503);
    echo json_encode(['installed' => false, 'error' => $error->getMessage()]);
}
